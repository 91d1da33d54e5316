# The memory that an image is started with, where its unikernel says nothing.
{
  platform = "rack";
  unikernel = { };
  show = composition: composition.memoryMiB;
  shown = 48;
}
