{ mkRoom, ... }:
mkRoom ./. {
  summary = "where the messages of the rooms go";
  interface = {
    trait = "Log";
    arity = "optional";
    default = "logger";
  };
}
