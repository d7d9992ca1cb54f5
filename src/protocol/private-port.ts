// In a thread: the port on which the main thread speaks (spawn.ts). It is the thread's first message, and it is taken
// before any user code is loaded.

/** The globals of a Worker. */
type Scope = {
  onmessage: ((event: MessageEvent<MessagePort>) => void) | null;
};

/** @param use is called with the port; it sets the port's `onmessage` */
export function privatePort(scope: Scope, use: (port: MessagePort) => void): void {
  scope.onmessage = (event) => {
    scope.onmessage = null;
    use(event.data);
  };
}
