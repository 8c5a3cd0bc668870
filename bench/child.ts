// A process of the bench that is called as if it were here, ends when it is told, and with its parent at the latest.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { within } from '../test/support/deadline.ts'

export interface Child {
  /** what the process said when it was ready */
  readonly hello: unknown
  call(name: string, given?: unknown): Promise<unknown>
  /** all of stdout and stderr */
  output(): string
  stop(): Promise<void>
}

interface Answer {
  id: number
  result?: unknown
  error?: string
}

const CALL_MS = 60_000
const END_MS = 10_000

/** TypeScript runs by tsx; anything else by plain `node`, as it would in production, with what BENCH_NODE_ARGS says. */
export async function startChild(file: URL): Promise<Child> {
  const path = fileURLToPath(file)
  const name = basename(path)
  const nodeArgs = process.env.BENCH_NODE_ARGS?.split(' ') ?? []
  const child = fork(path, [], {
    execArgv: path.endsWith('.ts') ? ['--import', 'tsx'] : nodeArgs,
    env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const exited = once(child, 'exit')
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => output.push(chunk))
  const waiting = new Map<number, (answer: Answer) => void>()
  let calls = 0
  child.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  const died = exited.then(([code, signal]) => {
    throw new Error(`${name} ended (${signal ?? code}):\n${Buffer.concat(output)}`)
  })
  died.catch(() => {})

  async function answerTo(id: number): Promise<unknown> {
    const answer = new Promise<Answer>((resolve) => waiting.set(id, resolve))
    const { result, error } = await within(Promise.race([answer, died]), `an answer of ${name}`, CALL_MS)
    if (error !== undefined) throw new Error(`${name}: ${error}`)
    return result
  }

  async function stop() {
    // It ends by itself then, and node writes what it was asked to write at the end.
    if (child.connected) child.disconnect()
    const timer = setTimeout(() => child.kill('SIGKILL'), END_MS)
    await exited
    clearTimeout(timer)
  }

  try {
    return {
      hello: await answerTo(0),
      call(name, given) {
        const id = ++calls
        const answer = answerTo(id)
        child.send({ id, name, given })
        return answer
      },
      output: () => `${Buffer.concat(output)}`,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
