// One connection through the Redis front: commands and answers pass one by one, in order.
import { connect, type Socket } from 'node:net'
import { resetConnection } from '../listen.ts'
import type { CommandFaults } from './command-faults.ts'
import { argsOf, createFrames, isPush } from './resp-frames.ts'

interface Expected {
  /** undefined once Redis has answered, or where it is not asked */
  args?: string[] | undefined
  /** Redis did not run it after all */
  forget?(): void
  /** there as soon as it may be sent */
  answer?: Buffer
}

// Their answers are pushes (RESP3), or more than one (RESP2).
const UNANSWERED = /subscribe$|^monitor$/i

/** `note` hears of every command that Redis is given, and returns how to take that back. */
export function passCommands(
  client: Socket,
  port: number,
  faults: CommandFaults,
  note: (args: string[]) => () => void,
): void {
  const redis = connect({ port, host: '127.0.0.1', noDelay: true })
  const expected: Expected[] = []
  let inOrder = Promise.resolve()

  client.on('error', () => {})
  redis.on('error', () => {})
  client.on('close', () => redis.end())
  redis.on('close', cut)
  client.on(
    'data',
    createFrames((frame) => {
      const dueAt = Date.now() + faults.delayMs()
      inOrder = inOrder.then(() => pass(frame, dueAt))
    }),
  )
  redis.on(
    'data',
    createFrames((frame) => void take(frame)),
  )

  async function pass(frame: Buffer, dueAt: number) {
    const args = argsOf(frame)
    await until(dueAt)
    if ((await faults.passing('before', args)) === 'cut') cut()
    if (client.destroyed) return
    const refusal = faults.refusal(args)
    if (refusal) {
      expected.push({ answer: Buffer.from(`-${refusal}\r\n`) })
      return flush()
    }
    const forget = note(args)
    if (!UNANSWERED.test(args[0] ?? '')) expected.push({ args, forget })
    redis.write(frame)
  }

  async function take(frame: Buffer) {
    const at = expected.findIndex(({ args }) => args)
    const mine = isPush(frame) ? undefined : expected[at]
    if (!mine?.args) expected.splice(at < 0 ? expected.length : at, 0, { answer: frame })
    else {
      const { args } = mine
      mine.args = undefined
      // ioredis sends the script's text next: only then it has run.
      if (`${frame.subarray(0, 9)}` === '-NOSCRIPT') mine.forget?.()
      else if ((await faults.passing('after', args)) === 'cut') return cut()
      mine.answer = frame
    }
    flush()
  }

  function flush() {
    while (expected[0]?.answer && !client.destroyed) client.write(expected.shift()?.answer ?? '')
  }

  function cut() {
    if (!client.destroyed) resetConnection(client)
  }
}

async function until(time: number): Promise<void> {
  const ms = time - Date.now()
  if (ms > 0) await new Promise<void>((resolve) => void setTimeout(resolve, ms).unref())
}
