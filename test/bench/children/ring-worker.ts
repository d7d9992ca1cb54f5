// Forwards each message from the main thread to the writer.

declare const self: Worker;

let port: MessagePort | undefined;
self.addEventListener("message", (event: MessageEvent<MessagePort | string>) => {
  if (typeof event.data === "string") port?.postMessage(event.data);
  else port = event.data;
});
