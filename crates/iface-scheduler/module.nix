{ mkRoom, ... }:
mkRoom ./. {
  summary = "threads";
  interface = {
    trait = "Scheduler";
    arity = "one";
  };
}
