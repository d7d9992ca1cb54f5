// Ends the process at the third signal, whatever its threads do: JavaScript handlers run on the main thread, and user code
// may keep that thread busy for ever. Compiled by TinyCC at run time (see compile-signals.ts), for 64-bit Linux (glibc, musl). The
// handler calls only functions that signal-safety(7) allows. It passes the first and second signal on to the runtime.
// Also lets the runtime's last words through, where it crashes or exits by itself.

typedef unsigned long size_t;
typedef long ssize_t;

#define read ((ssize_t (*)(int, void *, size_t))ADDRESS_read)
#define write ((ssize_t (*)(int, const void *, size_t))ADDRESS_write)
#define _exit ((void (*)(int))ADDRESS__exit)
#define kill ((int (*)(int, int))ADDRESS_kill)

struct pollfd {
  int fd;
  short events;
  short revents;
};
#define poll ((int (*)(struct pollfd *, unsigned long, int))ADDRESS_poll)

struct sigaction {
  void *handler;
  unsigned long mask[16];
  int flags;
  void *restorer;
};
#define sigaction(signal, action, before) \
  (((int (*)(int, const struct sigaction *, struct sigaction *))ADDRESS_sigaction)(signal, action, before))

#define dup2 ((int (*)(int, int))ADDRESS_dup2)
#define raise ((int (*)(int))ADDRESS_raise)

enum { sigquit = 3, sigkill = 9, last_signal = 64 };
enum { sa_siginfo = 4, sa_onstack = 0x08000000, sa_restart = 0x10000000 };
enum { pollin = 1, pollout = 4, signals_until_end = 3 };

#define by_default ((void *)0)
#define ignored ((void *)1)

typedef void (*handler)(int signal, void *info, void *context);

static struct sigaction before[last_signal + 1];
static volatile int received;
// Process groups; a number that is not positive is not a group (protocol/shared/programs.ts).
static const volatile int *programs;
static int capacity;
// -1: no region is drawn on a terminal.
static int terminal = -1;

// A frame may be half written: colours off, autowrap on, the cursor visible.
static const char give_back[] = "\r\n\033[0m\033[?7h\033[?25h";

static void end(int signal) {
  struct pollfd ready = {0, pollout, 0};
  int i;
  for (i = 0; i < capacity; i++)
    if (programs[i] > 1) kill(-programs[i], sigkill);
  ready.fd = terminal;
  // Writing to a terminal that is stopped (Ctrl-S) or gone would block.
  if (terminal >= 0 && poll(&ready, 1, 100) == 1 && (ready.revents & pollout))
    write(terminal, give_back, sizeof give_back - 1);
  _exit(128 + signal);
}

static void on_signal(int signal, void *info, void *context) {
  void *next = before[signal].handler;
  if (next == ignored) return;
  // No JavaScript handler is left, and the default action ends the process.
  if (++received >= signals_until_end || signal == sigquit || next == by_default) end(signal);
  ((handler)next)(signal, info, context);
}

static int original_out = -1;
static int original_err = -1;
// Read ends: what stderr was redirected to, and what is readable once main has ended the redirection.
static int redirected_err = -1;
static int wake = -1;

// Time for the watchdog's thread to pass on what the pipe holds already.
enum { pass_on_ms = 50 };

static int is_readable(int fd) {
  struct pollfd ready = {0, pollin, 0};
  ready.fd = fd;
  return poll(&ready, 1, 0) == 1 && (ready.revents & pollin);
}

// Any thread of the runtime may exit, for example where a new one finds no descriptors: its words are in the pipe.
static void on_exit(void *unused) {
  char text[1024];
  ssize_t length;
  if (is_readable(wake)) return;
  poll(0, 0, pass_on_ms);
  while (is_readable(redirected_err)) {
    length = read(redirected_err, text, sizeof text);
    if (length <= 0 || write(original_err, text, length) != length) return;
  }
}

// Lets the runtime's crash report reach the user, instead of a pipe that nobody reads any more.
static void on_crash(int signal, void *info, void *context) {
  void *next = before[signal].handler;
  dup2(original_out, 1);
  dup2(original_err, 2);
  poll(0, 0, pass_on_ms);
  if (next == ignored) return;
  if (next != by_default) return ((handler)next)(signal, info, context);
  sigaction(signal, &before[signal], 0);
  raise(signal);
}

static int install(int signal, void *on, unsigned long mask) {
  struct sigaction action;
  int i;
  for (i = 0; i < 16; i++) action.mask[i] = mask;
  action.handler = on;
  action.flags = sa_siginfo | sa_onstack | sa_restart;
  action.restorer = 0;
  return sigaction(signal, &action, &before[signal]);
}

// The only function that is called from outside: each costs the compiler another millisecond. `given` has the terminal, the
// four descriptors for last words (-1: none), how many signals are watched, these signals, and how many of a crash, and these.
// `at_exit` is the function of the C library, or null.
void start(const int *pids, int count, const int *given, int (*at_exit)(void (*)(void *), void *)) {
  const int *signals = given + 6;
  const int *fatal = signals + given[5] + 1;
  int i;
  programs = pids;
  capacity = count;
  terminal = given[0];
  original_out = given[1];
  original_err = given[2];
  redirected_err = given[3];
  wake = given[4];
  // The mask keeps other signals from interrupting the handler.
  for (i = 0; i < given[5]; i++) install(signals[i], on_signal, ~0UL);
  if (original_out < 0) return;
  for (i = 0; i < fatal[-1]; i++) install(fatal[i], on_crash, 0);
  if (at_exit) at_exit(on_exit, 0);
}
