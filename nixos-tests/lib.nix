# What composition relies on in `lib`, by example; both the host's lib and nixpkgs' have to come out so (./same-lib.nix).
#
#   nix-instantiate --eval --strict --json nixos-tests/lib.nix -A failures
{
  lib ? import ../hosts/debian/lib,
}:
let
  inherit (builtins) toJSON tryEval;
  inherit (lib) mkOption types;

  option = type: mkOption { inherit type; };

  # The value that modules give to an option `x` of that type, or "refused".
  valueOf = type: modules: valueWith [ { options.x = option type; } ] modules;

  valueWith =
    declarations: modules:
    let
      inherit (lib.evalModules { modules = declarations ++ modules; }) config;
      forced = tryEval (builtins.deepSeq config.x config.x);
    in
    if forced.success then forced.value else "refused";

  x = value: { x = value; };

  named = types.submodule {
    options.size = mkOption {
      type = types.int;
      default = 1;
    };
    freeformType = types.attrsOf types.str;
  };

  cases = {
    "equal values merge" = {
      got = valueOf types.int [
        (x 1)
        (x 1)
      ];
      expected = 1;
    };
    "different values do not" = {
      got = valueOf types.int [
        (x 1)
        (x 2)
      ];
      expected = "refused";
    };
    "a wrong type is refused" = {
      got = valueOf types.int [ (x "1") ];
      expected = "refused";
    };
    "no value is refused" = {
      got = valueOf types.int [ ];
      expected = "refused";
    };
    "an unknown option is refused" = {
      got = valueOf types.int [
        (x 1)
        { y = 1; }
      ];
      expected = "refused";
    };
    "the strongest definition wins" = {
      got = valueOf types.int [
        (x (lib.mkForce 3))
        (x 2)
        (x (lib.mkDefault 1))
      ];
      expected = 3;
    };
    "a condition drops its definition" = {
      got = valueOf types.int [
        (x 1)
        (x (lib.mkIf false 2))
        (lib.mkIf false { x = 3; })
      ];
      expected = 1;
    };
    "a condition may look at other options" = {
      got =
        valueWith
          [
            {
              options.x = option types.int;
              options.on = option types.bool;
            }
          ]
          [
            { on = true; }
            ({ config, ... }: lib.mkIf config.on { x = 5; })
          ];
      expected = 5;
    };
    "a union has all its parts" = {
      got = valueOf (types.listOf types.int) [
        {
          config = lib.mkMerge [
            { x = [ 1 ]; }
            (lib.mkIf true { x = [ 2 ]; })
          ];
        }
      ];
      expected = [
        1
        2
      ];
    };
    "imports bring their definitions, named ones once" = {
      got =
        let
          shared = {
            key = "shared";
            x = [ 1 ];
          };
        in
        valueOf (types.listOf types.int) [
          { imports = [ shared ]; }
          {
            imports = [
              shared
              { x = [ 2 ]; }
            ];
            x = [ 3 ];
          }
        ];
      expected = [
        2
        1
        3
      ];
    };
    "modules get arguments by name" = {
      got = valueOf types.int [
        { _module.args.seven = 7; }
        ({ seven, ... }: x seven)
      ];
      expected = 7;
    };
    "an attribute set merges by name" = {
      got = valueOf (types.attrsOf types.int) [
        (x { a = 1; })
        (x {
          b = lib.mkDefault 2;
          c = lib.mkIf false 3;
        })
        (x { b = 4; })
      ];
      expected = {
        a = 1;
        b = 4;
      };
    };
    "a submodule has defaults, and free names" = {
      got = valueOf named [
        (x { colour = "red"; })
        (x { size = 2; })
      ];
      expected = {
        colour = "red";
        size = 2;
      };
    };
    "a submodule refuses what is not free" = {
      got = valueOf named [ (x { colour = 3; }) ];
      expected = "refused";
    };
    "null or a value" = {
      got = [
        (valueOf (types.nullOr types.int) [ (x null) ])
        (valueOf (types.nullOr types.int) [ (x 1) ])
        (valueOf (types.nullOr types.int) [ (x "1") ])
        (valueOf (types.nullOr types.int) [ ])
      ];
      expected = [
        null
        1
        "refused"
        null
      ];
    };
    "either of two types" = {
      got = [
        (valueOf (types.either types.str (types.listOf types.str)) [ (x "a") ])
        (valueOf (types.either types.str (types.listOf types.str)) [ (x [ "a" ]) ])
        (valueOf (types.either types.str (types.listOf types.str)) [ (x 1) ])
      ];
      expected = [
        "a"
        [ "a" ]
        "refused"
      ];
    };
    "types admit what they should" = {
      got = map (pair: pair.type.check pair.value) [
        {
          type = types.port;
          value = 65535;
        }
        {
          type = types.port;
          value = 65536;
        }
        {
          type = types.ints.positive;
          value = 0;
        }
        {
          type = types.ints.unsigned;
          value = 0;
        }
        {
          type = types.ints.between 2 4;
          value = 5;
        }
        {
          type = types.ints.u32;
          value = 4294967295;
        }
        {
          type = types.ints.s8;
          value = -129;
        }
        {
          type = types.enum [
            1
            "one"
          ];
          value = "one";
        }
        {
          type = types.path;
          value = "relative";
        }
        {
          type = types.path;
          value = ./lib.nix;
        }
        {
          type = types.nonEmptyStr;
          value = " ";
        }
        {
          type = types.strMatching "[a-z]+";
          value = "abc";
        }
        {
          type = types.addCheck types.int (value: value != 3);
          value = 3;
        }
      ];
      expected = [
        true
        false
        false
        true
        false
        true
        false
        true
        false
        true
        false
        true
        false
      ];
    };
    "types are described" = {
      got = map (type: type.description) [
        types.bool
        types.ints.u8
        types.ints.s16
        (types.listOf (types.nullOr types.str))
        (types.attrsOf (types.listOf types.port))
        (types.nullOr (
          types.enum [
            "a"
            2
          ]
        ))
        (types.either types.str (types.listOf types.str))
        (types.enum [ "one" ])
        types.package
        types.lines
      ];
      expected = [
        "boolean"
        "8 bit unsigned integer; between 0 and 255 (both inclusive)"
        "16 bit signed integer; between -32768 and 32767 (both inclusive)"
        "list of (null or string)"
        "attribute set of list of 16 bit unsigned integer; between 0 and 65535 (both inclusive)"
        "null or one of \"a\", 2"
        "string or list of string"
        "value \"one\" (singular enum)"
        "package"
        "strings concatenated with \"\\n\""
      ];
    };
    "strings" = {
      got = [
        (lib.splitString "." "a.b..c")
        (lib.removePrefix "ab" "abc")
        (lib.removeSuffix ".nix" "lib.nix")
        (lib.hasSuffix "longer than it" "it")
        (lib.concatMapStringsSep ", " toString [
          1
          2
        ])
      ];
      expected = [
        [
          "a"
          "b"
          ""
          "c"
        ]
        "c"
        "lib"
        false
        "1, 2"
      ];
    };
    "lists" = {
      got = [
        (lib.unique [
          2
          1
          2
        ])
        (lib.range 2 4)
        (lib.range 1 0)
        (lib.init [
          1
          2
        ])
        (lib.findFirst (value: value > 1) 0 [
          1
          2
          3
        ])
        (lib.zipListsWith (a: b: a + b)
          [ 1 ]
          [
            2
            3
          ]
        )
        (lib.imap0 (index: value: index + value) [
          1
          2
        ])
      ];
      expected = [
        [
          2
          1
        ]
        [
          2
          3
          4
        ]
        [ ]
        [ 1 ]
        2
        [ 3 ]
        [
          1
          3
        ]
      ];
    };
    "attribute sets" = {
      got = [
        (lib.recursiveUpdate { a.b = 1; } { a.c = 2; })
        (lib.attrByPath [ "a" "b" ] 0 { a.b = 1; })
        (lib.attrByPath [ "a" "c" ] 0 { a.b = 1; })
        (lib.filterAttrs (name: value: name == "a" || value == 2) {
          a = 1;
          b = 2;
          c = 3;
        })
        (lib.mapAttrsToList (name: value: name + value) { a = "b"; })
      ];
      expected = [
        {
          a = {
            b = 1;
            c = 2;
          };
        }
        1
        0
        {
          a = 1;
          b = 2;
        }
        [ "ab" ]
      ];
    };
  };

  failure = name: case: "${name}: expected ${toJSON case.expected}, got ${toJSON case.got}";
in
{
  failures = lib.mapAttrsToList failure (lib.filterAttrs (_: case: case.got != case.expected) cases);
}
