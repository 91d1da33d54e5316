{ mkRoom, ... }:
mkRoom ./. {
  summary = "a tree of files and directories";
  interface = {
    trait = "FileSystem";
    arity = "one";
    default = "rootfs";
  };
}
