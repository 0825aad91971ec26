# Stays empty: `pipeline` is both the top (flow) and the bottom (model) of the stack, which is sound only
# while importing the vocabulary loads nothing.
