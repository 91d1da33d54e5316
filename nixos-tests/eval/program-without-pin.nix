# An archive without its hash, and a build that no builder made.
{
  platform = "kvm";
  arch = "x86_64";
  modules = [
    {
      app.name = "greeter";
      app.source = {
        src.url = "http://localhost/greeter.tar.gz";
        build = "make";
      };
    }
  ];
  problems = [
    "`app.source.build` is \"make\" (nixos-tests/eval/program-without-pin.nix:10), but its type is null or (what one of `builders` gives): set it to such a value, or leave it out for the default null"
    "`app.source.src` is an attribute set (nixos-tests/eval/program-without-pin.nix:9), but its type is null or (directory, archive, or `{ url, sha256 }` of an archive (with `debian`, its place on mirrors of Debian)): set it to such a value, or leave it out for the default null"
  ];
}
