# The memory that an image is started with, where its unikernel says.
{
  unikernel.memoryMiB = 2;
  show = composition: composition.memoryMiB;
  shown = 2;
}
