{ mkRoom, ... }:
mkRoom ./. {
  summary = "the image's text console";
  interface = {
    trait = "Console";
    arity = "one";
  };
}
