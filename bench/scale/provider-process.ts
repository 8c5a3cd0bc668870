// The bench's end of the provider process: its methods as if they were here.
import { startChild } from '../child.ts'
import type { ProviderMethods } from './provider-main.ts'

export type ScaleProvider = {
  [Name in keyof ProviderMethods]: (
    ...args: Parameters<ProviderMethods[Name]>
  ) => Promise<Awaited<ReturnType<ProviderMethods[Name]>>>
} & { readonly issuer: string; stop(): Promise<void> }

export async function startScaleProvider(): Promise<ScaleProvider> {
  const { hello, call, stop } = await startChild(new URL('./provider-main.ts', import.meta.url))
  const known: Record<string, unknown> = { issuer: hello, stop }
  return new Proxy({} as ScaleProvider, {
    get(_target, name) {
      // A promise is known by its `then`, and this is none.
      if (typeof name !== 'string' || name === 'then') return undefined
      return known[name] ?? ((given: unknown) => call(name, given))
    },
  })
}
