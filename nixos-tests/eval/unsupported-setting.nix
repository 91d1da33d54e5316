# A setting of the application that no field can hold.
{
  unikernel.app.settings = {
    ratio = 0.5;
    table.one = 1;
    mixed = [
      1
      "two"
    ];
  };
  problems = [
    "`app.settings.mixed` (nixos-tests/eval/unsupported-setting.nix:6) is [ 1 \"two\" ], which no field of `Config` can hold: take an integer, a boolean, a string, a path, a package, a list of one of these, or null"
    "`app.settings.ratio` (nixos-tests/eval/unsupported-setting.nix:4) is 0.5, which no field of `Config` can hold: take an integer, a boolean, a string, a path, a package, a list of one of these, or null"
    "`app.settings.table` (nixos-tests/eval/unsupported-setting.nix:5) is an attribute set, which no field of `Config` can hold: take an integer, a boolean, a string, a path, a package, a list of one of these, or null"
  ];
}
