// Connections to the provider with certificates: those of one certificate, and those that follow a certificate that is renewed.
// Not the global one, which an app's tests may have replaced.
import { setImmediate } from 'node:timers'
import { withDeadline } from '../lib/deadline.ts'
import { createLimitedLog } from '../lib/limited-log.ts'
import { OF_SETUP } from '../lib/log.ts'
import type { ProviderSetUp } from '../options/config.ts'
import { faultOf } from '../options/mistakes.ts'
import type { CurrentMutualTLS, MutualTLS } from '../options/mutual-tls.ts'
import type { Send } from './bounded-fetch.ts'
import { OwnFunctionError } from './failures.ts'

interface Certificates {
  /** of the CAs to trust @defaultValue Node's own */
  readonly ca?: string | undefined
  /** RFC 8705 */
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

export interface Connections {
  readonly send: Send
  /** Ends them, each once its request is through. */
  retire(): void
}

export async function openConnections({ ca, cert, key }: Certificates): Promise<Connections> {
  // All of them from here: Node's own fetch takes no Agent of another version of undici.
  const { Agent, EnvHttpProxyAgent, fetch } = await import('undici')
  const certificates = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && key !== undefined && { cert, key }),
  }
  // As Node.js 24 does for its own.
  const dispatcher =
    process.env.NODE_USE_ENV_PROXY === '1'
      ? new EnvHttpProxyAgent({ connect: certificates, requestTls: certificates })
      : new Agent({ connect: certificates })
  let inUse = 0
  let isRetired = false

  /** An Agent that is closed lets its requests end and takes no other, and `fetch()` hands it one a moment later. */
  function closeUnused(): void {
    if (isRetired && inUse === 0) void dispatcher.close().catch(() => undefined)
  }

  return {
    async send(url, request) {
      inUse += 1
      try {
        return await fetch(url, { ...request, dispatcher })
      } finally {
        inUse -= 1
        closeUnused()
      }
    },

    retire() {
      // Whoever was given them in this turn still sends by them.
      setImmediate(() => {
        isRetired = true
        closeUnused()
      })
    },
  }
}

const KIND = 'express-bff-session: a new client certificate cannot be used'

/** So many times as long as a question is waited for: then it counts as lost, and another is asked. */
const LOST_AFTER = 4

/** The certificate is asked for before each request: one question at a time, and none that is overdue is waited for again. */
export function createRenewedSend(current: CurrentMutualTLS, config: ProviderSetUp): Send {
  const log = createLimitedLog(config.logger)
  // The other half of the time is for the request itself.
  const seconds = config.httpTimeoutSeconds / 2
  let known: { asked: number; readonly certificate: MutualTLS; readonly connections: Connections } | undefined
  let questions = 0
  let asking: Promise<Connections> | undefined
  let overdueSince: number | undefined

  async function ask(): Promise<Connections> {
    questions += 1
    const asked = questions
    const certificate = await current()
    // However late it is, it is taken, but for one that was asked for after it.
    if (known !== undefined && asked < known.asked) return known.connections
    if (known?.certificate === certificate) {
      known.asked = asked
      return known.connections
    }
    const connections = await openConnections(certificate)
    known?.connections.retire()
    known = { asked, certificate, connections }
    return connections
  }

  function askAnew(): Promise<Connections> {
    overdueSince = undefined
    const question: Promise<Connections> = ask().finally(() => {
      if (asking !== question) return
      asking = undefined
      overdueSince = undefined
    })
    asking = question
    return question
  }

  async function connections(): Promise<Connections> {
    if (known !== undefined && overdueSince !== undefined) {
      if (performance.now() - overdueSince > seconds * 1000 * LOST_AFTER) {
        // Whoever asks after its answer hears of it, or of what was wrong with it.
        askAnew().catch(() => undefined)
        overdueSince = performance.now()
      }
      return known.connections
    }
    const question = overdueSince === undefined && asking !== undefined ? asking : askAnew()
    try {
      return await withDeadline(question, seconds, () => {
        if (asking === question) overdueSince = performance.now()
        throw new OwnFunctionError('mutualTLS() gave nothing in time')
      })
    } catch (error) {
      const fault = faultOf(error)
      if (known === undefined) throw new OwnFunctionError(fault)
      const line = `${KIND}, so the last good one stays in use: ${fault}`
      log.say(KIND, line, { level: 'error', fields: OF_SETUP, most: 1 })
      return known.connections
    }
  }

  return async (url, request) => (await connections()).send(url, request)
}
