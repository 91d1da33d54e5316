{ builders, ... }:
{
  app = {
    name = "std-web";
    source = {
      src = ./.;
      build = builders.cargo { };
    };
    arguments = [ "0.0.0.0:80" "/srv/www" ];
    ports.http = 80;
  };
  libs.rootfs.tree."srv/www" = ./www;
}
