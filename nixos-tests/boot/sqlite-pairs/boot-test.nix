# The image is there for those who cut the power.
[ ]
