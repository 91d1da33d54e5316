# Evaluation of modules: declarations of options and definitions of their values, merged.
{ lib }:
let
  inherit (builtins)
    concatMap
    head
    length
    mapAttrs
    ;

  load = import ./load-modules.nix { inherit lib; };
  inherit (import ./merge-modules.nix { inherit lib; }) mergeDefinitions mergeTree;

  # What every evaluation declares.
  internal = {
    file = "lib/modules.nix";
    configs = [ ];
    options._module = {
      args = lib.mkOption {
        type = lib.types.lazyAttrsOf lib.types.raw;
        default = { };
        internal = true;
        description = "Additional arguments of the modules.";
      };
      check = lib.mkOption {
        type = lib.types.bool;
        default = true;
        internal = true;
        description = "Whether a definition without an option is an error.";
      };
      freeformType = lib.mkOption {
        type = lib.types.nullOr lib.types.optionType;
        default = null;
        internal = true;
        description = "The type of definitions without an option.";
      };
    };
  };

  valuesOf = mapAttrs (_: option: if lib.isOption option then option.value else valuesOf option);

  unmatchedError =
    def:
    throw "There is no option `${lib.showOption def.path}', which is defined here:${lib.showDefs [ def ]}";
in
{
  inherit mergeDefinitions;
  inherit (lib.types) mkOptionType;

  evalModules =
    {
      modules,
      specialArgs ? { },
      prefix ? [ ],
    }:
    let
      args = {
        inherit config;
        special = {
          inherit lib config;
          inherit (merged) options;
        }
        // specialArgs;
      };

      loaded = [ internal ] ++ load args modules;

      merged = mergeTree prefix (map (module: { inherit (module) file options; }) loaded) (
        concatMap (
          module:
          map (value: {
            inherit (module) file;
            inherit value;
          }) module.configs
        ) loaded
      );

      declaredConfig = valuesOf merged.options;
      inherit (declaredConfig._module) freeformType check;

      freeformDefs = map (def: {
        inherit (def) file;
        value = lib.setAttrByPath (lib.drop (length prefix) def.path) def.value;
      }) merged.unmatched;

      config =
        if freeformType == null || merged.unmatched == [ ] then
          declaredConfig
        else
          lib.recursiveUpdate (freeformType.merge prefix freeformDefs) declaredConfig;

      checked =
        if freeformType == null && check && merged.unmatched != [ ] then
          unmatchedError (head merged.unmatched)
        else
          removeAttrs config [ "_module" ];
    in
    {
      inherit (merged) options;
      config = checked;
    };
}
