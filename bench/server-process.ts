// A server of the bench.
import { startChild } from './child.ts'

export interface ServerSettings {
  /** where browsers reach it; its own address unless told */
  baseURL?: string
  redisUrl: string
  issuer: string
  clientId: string
  clientSecret: string
  secret: string
  options: Record<string, unknown>
}

export interface Usage {
  /** resident memory, in bytes */
  rss: number
  /** since the process began */
  cpuMicroseconds: number
  /** answers to whom they are for */
  served: number
}

export interface ServerProcess {
  readonly url: string
  readonly port: number
  build(settings: ServerSettings): Promise<void>
  usage(): Promise<Usage>
  /** what this server alone can do */
  call(name: string, given?: unknown): Promise<unknown>
  output(): string
  stop(): Promise<void>
}

export async function startServer(file: string): Promise<ServerProcess> {
  const { hello, call, output, stop } = await startChild(new URL(`./servers/${file}`, import.meta.url))
  const port = Number(hello)
  const url = `http://localhost:${port}`
  return {
    url,
    port,
    build: async (settings) => void (await call('build', { baseURL: url, ...settings })),
    usage: () => call('usage') as Promise<Usage>,
    call,
    output,
    stop,
  }
}
