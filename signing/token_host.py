"""One PKCS#11 module in a process of its own: digests in, signatures out, a line of JSON each.

A vendor's driver may crash, hang or keep stale handles of a token that was pulled out: the parent ends this process
and starts another, which loads the module anew. The PIN comes through the pipe and stays here. What the driver
prints goes nowhere.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import Any, BinaryIO

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11 import exceptions as errors
from pkcs11.constants import TokenFlag
from pkcs11.mechanisms import MGF
from pkcs11.util.ec import encode_ecdsa_signature

SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
"""DigestInfo of SHA-256 (RFC 8017, 9.2), which CKM_RSA_PKCS wants before the digest."""
SALT = 32


class Fault(Exception):
    """What is wrong with the token, as one word for the parent."""

    def __init__(self, word: str, text: str = "") -> None:
        super().__init__(word)
        self.word, self.text = word, text


class Opened:
    """A session on a token with the certificate's key."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._pin = base64.b64decode(asked["pin"]).decode()
        token = _token(asked)
        if TokenFlag.USER_PIN_LOCKED in token.flags:
            raise Fault("pin_locked")
        if TokenFlag.USER_PIN_FINAL_TRY in token.flags and not asked["by_hand"]:
            raise Fault("last_try")
        self.session = token.open(user_pin=self._pin)
        self.certificates = [
            bytes(one[Attribute.VALUE])
            for one in self.session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE})
        ]
        self._key = self._find(asked)
        self.always = bool(_read(self._key, Attribute.ALWAYS_AUTHENTICATE))
        self.id = bytes(_read(self._key, Attribute.ID) or b"")
        self.own = self._own(asked)

    def _find(self, asked: dict[str, Any]) -> Any:
        wanted: dict[Attribute, Any] = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
        if asked["label"]:
            wanted[Attribute.LABEL] = asked["label"]
        if asked["id"]:
            wanted[Attribute.ID] = bytes.fromhex(asked["id"])
        found = list(self.session.get_objects(wanted))
        if not found:
            raise Fault("no_key")
        if len(found) > 1:
            raise Fault("many_keys", str(len(found)))
        return found[0]

    def _own(self, asked: dict[str, Any]) -> bytes | None:
        """The certificate that stands beside the key: of the same id, else of the same label."""
        found = list(self.session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE}))
        for attribute, value in ((Attribute.ID, self.id), (Attribute.LABEL, asked["label"])):
            same = [one for one in found if value and _read(one, attribute) == value]
            if len(same) == 1:
                return bytes(same[0][Attribute.VALUE])
        return bytes(found[0][Attribute.VALUE]) if len(found) == 1 else None

    def sign(self, digest: bytes, scheme: str) -> bytes:
        more = {"pin": self._pin} if self.always else {}
        if self._key.key_type is KeyType.EC:
            made: bytes = self._key.sign(digest, mechanism=Mechanism.ECDSA, **more)
            return encode_ecdsa_signature(made)
        if scheme == "rsa-pss":
            parameters = (Mechanism.SHA256, MGF.SHA256, SALT)
            made = self._key.sign(
                digest, mechanism=Mechanism.RSA_PKCS_PSS, mechanism_param=parameters, **more
            )
        else:
            made = self._key.sign(SHA256_INFO + digest, mechanism=Mechanism.RSA_PKCS, **more)
        return made


def _token(asked: dict[str, Any]) -> Any:
    try:
        library = pkcs11.lib(asked["module"])
    except (RuntimeError, OSError) as error:
        raise Fault("module", str(error)) from error
    present = [
        (slot, token)
        for slot in library.get_slots(token_present=True)
        if (token := _present(slot)) is not None and TokenFlag.TOKEN_INITIALIZED in token.flags
    ]
    if asked["token"]:
        present = [(slot, token) for slot, token in present if token.label == asked["token"]]
    if asked["slot"] is not None:
        present = [(slot, token) for slot, token in present if slot.slot_id == asked["slot"]]
    if not present:
        raise Fault("absent")
    if len(present) > 1:
        raise Fault("many_tokens", ", ".join(token.label for _, token in present))
    return present[0][1]


def _present(slot: Any) -> Any:
    try:
        return slot.get_token()
    except errors.PKCS11Error:
        return None


def _read(item: Any, attribute: Attribute) -> Any:
    try:
        return item[attribute]
    except (errors.PKCS11Error, NotImplementedError):
        return None


def _answer(asked: dict[str, Any], opened: list[Opened]) -> dict[str, Any]:
    if asked["verb"] == "open":
        opened[:] = [Opened(asked)]
        (one,) = opened
        encoded = [base64.b64encode(der).decode() for der in one.certificates]
        own = base64.b64encode(one.own).decode() if one.own else None
        return {"own": own, "certificates": encoded}
    digest = base64.b64decode(asked["digest"])
    return {"signature": base64.b64encode(opened[0].sign(digest, asked["scheme"])).decode()}


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the parent closes the pipe."""
    opened: list[Opened] = []
    for line in requests:
        try:
            answer = _answer(json.loads(line), opened)
        except Fault as fault:
            answer = {"fault": fault.word, "text": fault.text}
        except (errors.PinIncorrect, errors.PinInvalid, errors.PinLenRange):
            answer = {"fault": "pin_wrong", "text": ""}
        except (errors.PinLocked, errors.PinExpired):
            answer = {"fault": "pin_locked", "text": ""}
        except (errors.TokenNotPresent, errors.DeviceRemoved, errors.NoSuchToken):
            answer = {"fault": "absent", "text": ""}
        except Exception as error:  # whatever a driver does is one sentence there
            answer = {"fault": "driver", "text": type(error).__name__}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def main() -> None:
    """Serve on the inherited pipes, with the driver's own output out of the way."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
