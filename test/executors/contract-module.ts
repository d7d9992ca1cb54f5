// The tasks of the contract (contract.ts), as a pipeline file.

export const contractModule = `
  console.log("loading");
  const chars = "x".repeat(100_000);
  task({ name: "done", run: () => null });
  task({ name: "gate", run: (_, ctx) => step("gate", null, ctx.signal) });
  task({ name: "exit", run: () => process.exit(3) });
  const chatty = task({
    name: "chatty",
    run(_, ctx) {
      for (let i = 0; i < 42; i++) ctx.log.info(chars);
    },
  });
  export default pipeline({ name: "p", tasks: () => chatty() });
`;
