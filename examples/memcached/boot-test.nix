# What clients of its protocol get over TCP and UDP, values of up to a mebibyte, many at once, what it refuses, and its end.
let
  ask = send: receive: {
    service = "memcached";
    inherit send receive;
  };
  twice = text: text + text;
  # 512 KiB of lines.
  long = builtins.foldl' (text: _: twice text) "0123456789abcde\n" (builtins.genList (_: null) 15);
  bytes = toString (builtins.stringLength long);
  # A request of its own number in one datagram (doc/protocol.txt of memcached, "UDP protocol").
  datagram = [ 1 2 0 0 0 1 0 0 ];
in
{
  exchanges = [
    (ask "version\r\n" "VERSION 1.6.18\r\n")
    (ask "set greeting 5 0 5\r\nhello\r\n" "STORED\r\n")
    # It is there for other connections, and the first that there is.
    (ask "gets greeting nothing\r\n" "VALUE greeting 5 5 1\r\nhello\r\nEND\r\n")
    (ask "cas greeting 5 0 3 1\r\nbye\r\n" "STORED\r\n")
    (ask "cas greeting 5 0 3 1\r\nbye\r\n" "EXISTS\r\n")
    (ask "cas nothing 5 0 3 1\r\nbye\r\n" "NOT_FOUND\r\n")
    # Several at once, in their order.
    (ask "set n 0 0 2\r\n41\r\nincr n 1\r\ndecr n 2\r\nincr greeting 1\r\nincr nothing 1\r\n" "STORED\r\n42\r\n40\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\nNOT_FOUND\r\n")
    (ask "append n 0 0 1\r\n7\r\nprepend n 0 0 1\r\n1\r\nget n\r\ndelete n\r\nget n\r\n" "STORED\r\nSTORED\r\nVALUE n 0 4\r\n1407\r\nEND\r\nDELETED\r\nEND\r\n")
    (ask "set brief 0 -1 1\r\nx\r\nget brief\r\ntouch greeting 60\r\n" "STORED\r\nEND\r\nTOUCHED\r\n")
    (ask "mg greeting v f\r\n" "VA 3 f5\r\nbye\r\n")
    # Long values, and what is longer than any may be.
    (ask "set long 0 0 ${bytes}\r\n${long}\r\n" "STORED\r\n")
    (ask "get long\r\n" "VALUE long 0 ${bytes}\r\n${long}\r\nEND\r\n")
    (ask "set longer 0 0 1048576\r\n${long}${long}\r\n" "SERVER_ERROR object too large for cache\r\n")
    # What is refused.
    (ask "get\r\n" "ERROR\r\n")
    (ask "good morning\r\n" "ERROR\r\n")
    (ask "set greeting 0 0 much\r\n" "CLIENT_ERROR bad command line format\r\n")
    (ask "set greeting 0 0 2\r\nmore\r\n" "CLIENT_ERROR bad data chunk\r\n")
    # By datagrams, to the same threads.
    (ask "get greeting\r\n" "VALUE greeting 5 3\r\nbye\r\nEND\r\n" // { inherit datagram; })
    (ask "incr greeting\r\n" "ERROR\r\n" // { inherit datagram; })
    # More than a hundred for each thread.
    (
      ask "get greeting\r\nset busy 0 0 1\r\nx\r\n" "VALUE greeting 5 3\r\nbye\r\nEND\r\nSTORED\r\n"
      // {
        connections = 500;
      }
    )
    (ask "stats\r\n" "STAT pid 1\r\n")
  ];
  stop = true;
  timeoutSeconds = 120;
}
