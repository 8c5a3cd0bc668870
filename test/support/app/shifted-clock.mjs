// Preloaded into an app process: its clock is off by so many milliseconds, and stays off.
const off = Number(process.env.CLOCK_OFF_MS)
const { Date: Right } = globalThis
const now = Right.now.bind(Right)

globalThis.Date = new Proxy(Right, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now() + off] : args, newTarget),
  apply: () => new Right(now() + off).toString(),
  get: (target, name) => (name === 'now' ? () => now() + off : Reflect.get(target, name)),
})
