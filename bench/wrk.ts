// Load by wrk: many connections, one address, one cookie.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

export interface Load {
  requestsPerSecond: number
  requests: number
  /** milliseconds */
  p99: number
}

export interface Aim {
  url: string
  /** of one person, or a file with those of each of many on a line */
  cookie: string | { file: string }
  seconds: number
}

export const CONNECTIONS = 32

const UNITS: Record<string, number> = { us: 0.001, ms: 1, s: 1000, m: 60_000 }

const TURNS = new URL('./turns.lua', import.meta.url)

/** @throws where a request failed, or was answered with anything but 2xx and 3xx */
export async function load({ url, cookie, seconds }: Aim): Promise<Load> {
  const args = [
    ...['-t1', `-c${CONNECTIONS}`, `-d${Math.ceil(seconds)}s`, '--latency', '--timeout', '5s'],
    ...['-H', 'accept: application/json'],
  ]
  let { env } = process
  if (typeof cookie === 'object') {
    args.push('-s', fileURLToPath(TURNS))
    env = { ...env, BENCH_COOKIES: cookie.file }
  } else if (cookie !== '') args.push('-H', `cookie: ${cookie}`)
  const child = spawn('wrk', [...args, url], { stdio: ['ignore', 'pipe', 'pipe'], env })
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  process.off('exit', end)
  if (code !== 0) throw new Error(`wrk ended with ${code}: ${errors}${output}`)
  const failed = /Non-2xx or 3xx responses: \d+|Socket errors: .*/.exec(output)?.[0]
  if (failed !== undefined) throw new Error(`${url}: ${failed}`)
  return {
    requestsPerSecond: Number(find(output, /Requests\/sec:\s+([\d.]+)/)),
    requests: Number(find(output, /(\d+) requests in/)),
    p99: milliseconds(find(output, /99%\s+([\d.]+\w+)/)),
  }
}

function find(output: string, pattern: RegExp): string {
  const found = pattern.exec(output)?.[1]
  if (found === undefined) throw new Error(`wrk did not say ${pattern}:\n${output}`)
  return found
}

function milliseconds(duration: string): number {
  const [, number, unit = ''] = /^([\d.]+)([a-z]+)$/.exec(duration) ?? []
  return Number(number) * (UNITS[unit] ?? Number.NaN)
}
