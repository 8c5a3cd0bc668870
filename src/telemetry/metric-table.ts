// The metrics: what each is called, what it means, and what it is counted by.

export interface Metric {
  readonly name: string
  readonly kind: 'counter' | 'histogram'
  readonly unit: string
  readonly what: string
  readonly attributes: readonly string[]
}

/** The table of docs/telemetry.md is made of this. */
export const METRICS = {
  begun: {
    name: 'bff.session.login.begun',
    kind: 'counter',
    unit: '{login}',
    what: 'Browsers that were sent to the provider, or with `error.type` could not be.',
    attributes: ['error.type'],
  },
  logins: {
    name: 'bff.session.login.ended',
    kind: 'counter',
    unit: '{login}',
    what: 'Browsers that came back from the provider.',
    attributes: ['bff.outcome', 'error.type'],
  },
  loginTime: {
    name: 'bff.session.login.duration',
    kind: 'histogram',
    unit: 's',
    what: 'How long a callback takes, the provider’s answers included.',
    attributes: ['bff.outcome'],
  },
  renewals: {
    name: 'bff.session.renewal.ended',
    kind: 'counter',
    unit: '{renewal}',
    what: 'Refresh tokens that were sent, and what came of it.',
    attributes: ['bff.outcome', 'bff.trigger', 'error.type'],
  },
  renewalTime: {
    name: 'bff.session.renewal.duration',
    kind: 'histogram',
    unit: 's',
    what: 'How long that takes, the provider’s answer, its checks and the store included.',
    attributes: ['bff.outcome'],
  },
  waited: {
    name: 'bff.session.renewal.wait.duration',
    kind: 'histogram',
    unit: 's',
    what: 'How long requests waited for a renewal, their own or another’s.',
    attributes: ['bff.outcome', 'bff.trigger'],
  },
  backOff: {
    name: 'bff.session.renewal.back_off.duration',
    kind: 'histogram',
    unit: 's',
    what: 'How long the provider is left alone by a session whose renewal failed.',
    attributes: ['error.type'],
  },
  tokenTime: {
    name: 'bff.session.token_request.duration',
    kind: 'histogram',
    unit: 's',
    what: 'How long the provider takes to give tokens, and their checks.',
    attributes: ['bff.grant', 'error.type'],
  },
  ended: {
    name: 'bff.session.ended',
    kind: 'counter',
    unit: '{session}',
    what: 'Sessions that somebody or something ended.',
    attributes: ['bff.reason'],
  },
  refused: {
    name: 'bff.session.refused',
    kind: 'counter',
    unit: '{request}',
    what: 'Requests that were refused, and back-channel logouts that failed.',
    attributes: ['error.type'],
  },
  relayTime: {
    name: 'bff.session.relay.duration',
    kind: 'histogram',
    unit: 's',
    what: 'How long `relay()` takes until the API’s answer begins.',
    attributes: [
      'bff.outcome',
      'http.request.method',
      'server.address',
      'http.response.status_code',
      'error.type',
    ],
  },
  storeTime: {
    name: 'bff.session.store.duration',
    kind: 'histogram',
    unit: 's',
    what: 'How long the store takes to answer. Up to 50 requests share a `find`.',
    attributes: ['bff.operation', 'error.type'],
  },
  cacheReads: {
    name: 'bff.session.near_cache.reads',
    kind: 'counter',
    unit: '{read}',
    what: 'Sessions that were looked for in the near cache.',
    attributes: ['bff.result'],
  },
  delayed: {
    name: 'bff.session.commit.delayed',
    kind: 'counter',
    unit: '{renewal}',
    what: 'Renewed tokens that the store did not take at once.',
    attributes: [],
  },
  lost: {
    name: 'bff.session.commit.lost',
    kind: 'counter',
    unit: '{renewal}',
    what: 'Renewed tokens that it never took.',
    attributes: [],
  },
  providerFailures: {
    name: 'bff.session.provider.failures',
    kind: 'counter',
    unit: '{failure}',
    what: 'Times that the provider was out of reach, or did not take a revocation.',
    attributes: [],
  },
  unreadable: {
    name: 'bff.session.record.unreadable',
    kind: 'counter',
    unit: '{record}',
    what: 'Records that could not be read: another secret, provider or client.',
    attributes: [],
  },
} as const satisfies Record<string, Metric>
