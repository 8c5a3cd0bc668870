// The test app as a real process, to be gated, ended and killed.
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { exchange } from '../browser/http-exchange.ts'
import { createSignal, within } from '../deadline.ts'
import type { AppEvent } from './app-events.ts'
import type { FromApp, ToApp } from './app-messages.ts'
import { type AppSetup, resolveOptions } from './app-options.ts'
import { createGates, type Gate } from './gates.ts'

/** `options` cross the process border as JSON: a Redis URL, not a client. */
export interface AppProcessSetup extends AppSetup {
  env?: Record<string, string>
}

export interface AppProcess {
  readonly url: string
  readonly pid: number
  /** what `auth()` told, in order */
  readonly events: AppEvent[]
  /** all of stdout and stderr */
  output(): string
  gate(name: string): Gate
  /** asks it to end; resolves with its exit code */
  sigterm(): Promise<number | null>
  sigkill(): Promise<void>
  /** SIGSTOP and SIGCONT: a process that is paused in the middle of something */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

/** Compiled before all tests; who runs one without them has it compiled at the first process. */
async function appMain(): Promise<string> {
  process.env.TEST_APP_MAIN ??= (await import('../compile.mjs')).compileAppMain()
  return process.env.TEST_APP_MAIN
}

export async function startAppProcess(setup: AppProcessSetup = {}): Promise<AppProcess> {
  const child = fork(await appMain(), [], {
    execArgv: [],
    // The test runner's own flags are not the app's, and an app under test logs like one that is not.
    env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'development', ...setup.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  // What it told last may arrive after its end.
  const exited = Promise.all([once(child, 'exit'), once(child, 'disconnect')]).then(([exit]) => exit)
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => output.push(chunk))

  const events: AppEvent[] = []
  const listening = createSignal<number>()
  const ready = createSignal()
  const gates = createGates((gate) => tell(child, { type: 'open', gate }))
  child.on('message', (message: FromApp) => {
    if (message.type === 'listening') listening.resolve(message.port)
    else if (message.type === 'ready') ready.resolve()
    else if (message.type === 'arrived') gates.announce(message.gate)
    else events.push(message.told)
  })
  const died = exited.then(([code, signal]) => {
    throw new Error(`the app process ended (${signal ?? code}):\n${Buffer.concat(output)}`)
  })
  died.catch(() => {})
  const step = <T>(promise: Promise<T>, what: string) => within(Promise.race([promise, died]), what, 20_000)

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await within(exited, `the app process to end by ${signal}`, 20_000)
    return child.exitCode
  }

  // A stopped process does not notice that its parent died: the pipe's other end does, and wakes it.
  function freeze() {
    const waker = spawn('sh', ['-c', 'read -r _; kill -CONT "$1"', 'sh', `${child.pid}`], {
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    child.once('exit', () => waker.kill())
    waker.unref()
    child.kill('SIGSTOP')
  }

  try {
    const url = `http://localhost:${await step(listening.promise, 'the app process to listen')}`
    tell(child, { type: 'options', options: await resolveOptions(setup, url) })
    await step(ready.promise, 'the app process to be ready')
    await step(exchange({ method: 'GET', url: `${url}/ping` }), 'the app process to answer')
    return {
      url,
      pid: child.pid ?? 0,
      events,
      output: () => `${Buffer.concat(output)}`,
      gate: gates.gate,
      sigterm: () => end('SIGTERM'),
      sigkill: async () => void (await end('SIGKILL')),
      freeze,
      thaw: () => void child.kill('SIGCONT'),
      stop: async () => void (await end('SIGKILL')),
    }
  } catch (error) {
    await end('SIGKILL')
    throw error
  }
}

function tell(child: ChildProcess, message: ToApp) {
  if (child.connected) child.send(message)
}
