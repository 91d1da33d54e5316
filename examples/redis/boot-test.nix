# What clients of its protocol get, many at once, what it says of what an image has not, and its end when asked to.
let
  ask = send: receive: {
    service = "redis";
    inherit send receive;
  };
in
{
  console = [ "Ready to accept connections" ];
  absent = [ "# Fatal" "REDIS BUG REPORT" ];
  exchanges = [
    (ask "PING\r\n" "+PONG\r\n")
    (ask "SET greeting hello\r\n" "+OK\r\n")
    # It is there for other connections.
    (ask "GET greeting\r\n" "$5\r\nhello\r\n")
    (ask "GET nothing\r\n" "$-1\r\n")
    (ask "SET greeting\r\n" "-ERR wrong number of arguments")
    # Several at once, in their order.
    (ask "INCR n\r\nINCR n\r\nINCRBY n 40\r\nDEL n\r\n" ":1\r\n:2\r\n:42\r\n:1\r\n")
    (ask "SET brief 1 PX 50\r\nPTTL nothing\r\n" "+OK\r\n:-2\r\n")
    (ask "EVAL \"return 6*7\" 0\r\n" ":42\r\n")
    # What ends in another thread, and the file that is written while clients wait.
    (ask "FLUSHALL ASYNC\r\nDBSIZE\r\n" "+OK\r\n:0\r\n")
    (ask "SAVE\r\n" "+OK\r\n")
    (ask "BGSAVE\r\n" "-ERR")
    (ask "PING\r\n" "+PONG\r\n")
  ];
  stop = true;
  lastWords = [
    "Received SIGTERM"
    "Redis is now ready to exit"
  ];
  timeoutSeconds = 120;
}
