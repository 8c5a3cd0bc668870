// Several processes of one app behind one address.
import { resolveOptions } from './app-options.ts'
import { type AppProcess, type AppProcessSetup, startAppProcess } from './app-process.ts'
import { startBalancer } from './balancer.ts'

export interface AppCluster {
  /** the balancer's address, which is everybody's `baseURL` */
  readonly url: string
  readonly processes: AppProcess[]
  /** all processes' output */
  output(): string
  stop(): Promise<void>
}

export async function startAppCluster(count: number, setup: AppProcessSetup): Promise<AppCluster> {
  const balancer = await startBalancer()
  const options = await resolveOptions(setup, balancer.url)
  const started = await Promise.allSettled(
    Array.from({ length: count }, () => startAppProcess({ ...(setup.env && { env: setup.env }), options })),
  )
  const processes = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const stop = async () => {
    await balancer.stop()
    await Promise.all(processes.map((each) => each.stop()))
  }
  const failed = started.find((each) => each.status === 'rejected')
  if (failed) {
    await stop()
    throw failed.reason
  }
  balancer.targets = processes.map(({ url }) => url)
  return {
    url: balancer.url,
    processes,
    output: () => processes.map((each) => each.output()).join(''),
    stop,
  }
}
