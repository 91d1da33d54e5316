# Which rooms provide an interface: the rules of choosing, in their order.
{ lib, words }:
{
  # Rooms by name; those that could be in this image (platform, architecture and the user permitting); the image's
  # platform and architecture rooms.
  rooms,
  candidates,
  platform,
  arch,
  # Interface name to the attributes of its room.
  interfaces,
  # `choose` of the user, each value a list; rooms that the user enabled, and whether one is kept out.
  chosen,
  enabled,
  forbidden,
  # ` (places)` where a path, written with dots, is defined.
  place,
}:
let
  inherit (builtins)
    elem
    filter
    head
    map
    ;
  inherit (words) tick;

  provides = interface: name: rooms ? ${name} && elem interface rooms.${name}.provides;

  named = value: if value == null then [ ] else lib.toList value;

  byUser =
    interface:
    lib.optional (chosen ? ${interface}) {
      providers = chosen.${interface};
      why = "chosen for ${tick interface}${place "choose.${interface}"}";
    };

  byEnabling =
    interface:
    let
      providers = filter (provides interface) enabled;
    in
    lib.optional (providers != [ ]) {
      inherit providers;
      why = "enabled for ${tick interface}";
    };

  # What the platform says is its default, and so is what it or the architecture provides itself.
  byPlatform =
    interface:
    let
      default = filter (name: !(forbidden name)) (
        named (platform.platform.defaults.${interface} or null)
      );
      own = filter (provides interface) [
        platform.name
        arch.name
      ];
    in
    if default != [ ] then
      [
        {
          providers = default;
          why = "the default of platform ${tick platform.name} for ${tick interface}";
        }
      ]
    else
      lib.optional (own != [ ]) {
        providers = [ (head own) ];
        why = "the image's ${rooms.${head own}.kind} for ${tick interface}";
      };

  # An interface's default counts where it fits the image.
  byInterface =
    interface:
    let
      providers = filter (name: elem name candidates) (named interfaces.${interface}.interface.default);
    in
    lib.optional (providers != [ ]) {
      inherit providers;
      why = "the default of interface ${tick interface}";
    };

  # What need not be there, or may be there many times, is not brought in merely because it exists.
  byElimination =
    interface:
    lib.optional (interfaces.${interface}.interface.arity == "one") {
      providers = filter (provides interface) candidates;
      why = "the only room that provides ${tick interface} on ${platform.name}-${arch.name}";
    };

  rules = [
    byUser
    byEnabling
    byPlatform
    byInterface
    byElimination
  ];

  # A room that needs what it provides wraps another provider: its own need passes over itself.
  without = asker: rule: rule // { providers = filter (name: name != asker) rule.providers; };

  nothing = {
    providers = [ ];
    why = null;
  };
in
{
  inherit provides;

  # { providers, why } of the first rule that says something for `asker`'s need of `interface`. An empty list chosen by
  # the user is a decision too.
  decide =
    asker: interface:
    let
      spoken = map (without asker) (lib.concatMap (rule: rule interface) rules);
      decisions = filter (rule: rule.providers != [ ] || chosen.${interface} or null == [ ]) spoken;
    in
    if decisions == [ ] then nothing else head decisions;
}
