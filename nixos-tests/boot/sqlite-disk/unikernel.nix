# The database lies on a FAT file system of a disk.
{ lib, ... }:
{
  imports = [ ../../../examples/sqlite/unikernel.nix ];
  app.arguments = lib.mkForce [ "-batch" "/data/books.db" ".read /books.sql" ];
  choose.filesystem = "rootfs";
  libs.fat = {
    enable = true;
    at = "/data";
  };
}
