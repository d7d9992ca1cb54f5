// The thread's end of the private port to main (spawn.ts). The port is the thread's first message, and it is received
// before any user code is loaded.

/** The global scope of a Worker. */
type Scope = {
  onmessage: ((event: MessageEvent<MessagePort>) => void) | null;
};

/** @param use is called with the port, and sets the port's `onmessage` */
export function privatePort(scope: Scope, use: (port: MessagePort) => void): void {
  scope.onmessage = (event) => {
    scope.onmessage = null;
    use(event.data);
  };
}
