{ mkRoom, ... }:
mkRoom ./. {
  summary = "what started the image, and how it ends";
  interface = {
    trait = "Platform";
    arity = "one";
  };
}
