# Values of another type than the option's, in rooms and in the application's own options.
{
  unikernel = {
    app.needs = "clock-tick";
    app.ports.http = 80000;
    libs.dial = {
      enable = true;
      lit = "yes";
      stops = [
        1
        "two"
      ];
      hand = "middle";
    };
  };
  problems = [
    "`app.needs` is \"clock-tick\" (nixos-tests/eval/wrong-type.nix:4), but its type is list of string: set it to such a value, or leave it out for the default [ ]"
    "`app.ports.http` is 80000 (nixos-tests/eval/wrong-type.nix:5), but its type is 16 bit unsigned integer; between 0 and 65535 (both inclusive): set it to such a value"
    "`libs.dial.hand` is \"middle\" (nixos-tests/eval/wrong-type.nix:13), but its type is one of \"long\", \"short\": set it to such a value, or leave it out for the default \"short\""
    "`libs.dial.lit` is \"yes\" (nixos-tests/eval/wrong-type.nix:8), but its type is boolean: set it to such a value, or leave it out for the default false"
    "`libs.dial.stops` is [ 1 \"two\" ] (nixos-tests/eval/wrong-type.nix:9), but its type is list of signed integer: set it to such a value, or leave it out for the default [ ]"
  ];
}
