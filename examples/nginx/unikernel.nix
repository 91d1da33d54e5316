# nginx as its authors published it, with the modules that serving files takes.
{ builders, ... }:
let
  zlib = {
    name = "zlib";
    src = {
      debian = "pool/main/z/zlib/zlib_1.2.13.dfsg.orig.tar.bz2";
      sha256 = "71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1";
    };
    build = builders.configure { flags = [ "--static" ]; };
  };
in
{
  app = {
    name = "nginx";
    source = {
      src = {
        url = "https://nginx.org/download/nginx-1.22.1.tar.gz";
        debian = "pool/main/n/nginx/nginx_1.22.1.orig.tar.gz";
        sha256 = "9ebb333a9e82b952acd3e2b4aeb1d4ff6406f72491bab6cd9fe69f0dea737f31";
      };
      libraries = [ zlib ];
      build = builders.configure {
        program = "objs/nginx";
        flags = import ./flags.nix;
        cflags = [ "-Os" ];
      };
    };
    ports.http = 80;
  };
  platforms = [ "kvm" "linux" "xen" ];
  # About 5 MiB, and room for the buffers of a thousand connections that are used at once.
  memoryMiB = 64;
  # For configurations with more connections than the one that is packed in; only those that are open take memory.
  libs.tcpip.sockets = 16384;
  libs.rootfs.tree = {
    "etc/nginx/nginx.conf" = ./nginx.conf;
    "srv/www" = ./site;
  };
}
