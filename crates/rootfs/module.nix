{
  lib,
  mkRoom,
  packTree,
  ...
}:
mkRoom ./. {
  summary = "a read-only tree, packed into the image or given at start";
  needs = [ "platform" ];
  provides = [ "filesystem" ];
  after = [ "log" ];
  options.tree = lib.mkOption {
    type = lib.types.nullOr (lib.types.either lib.types.path (lib.types.attrsOf lib.types.path));
    default = { };
    apply = tree: if tree == null then null else packTree tree;
    description = "Directory that is packed into the image, or files and directories by their places in the tree; null where it has to come with the start, as an initrd.";
  };
}
