// What the codes of a connection that failed mean, and what may be done about it.

const NO_LISTENER = 'nobody listens at that host and port: is the provider running, and the port right?'
const NO_HOST = 'the name of the host is not known here: is it spelt right, and does DNS know it?'
const NO_WAY = 'nothing comes back from that host and port: is a firewall or a proxy in between?'
const NO_TLS = 'https was spoken to a port that seems to answer in http: are the scheme and the port right?'
const NOT_TRUSTED =
  'its certificate is not trusted: name the file of its CA in NODE_EXTRA_CA_CERTS, or give the CA in provider.ca'
const EXPIRED =
  'its certificate is not trusted, since its time is over or has not come, or the clock here is wrong: renew it there'
const OF_ANOTHER = 'its certificate is not trusted, since it is for another host: ask the host that it names'

const ENDED =
  'it ended the connection: look at its log, and at a proxy in between; or it speaks https where the address says http'
const NO_HTTP = 'what answers there speaks no http: are the scheme and the port right?'

/** Of ours. */
export const TOO_LARGE = 'ANSWER_TOO_LARGE'

/** What `fetch()` says of ports that it goes to for nobody (Fetch §2.9). */
export const BAD_PORT = 'bad port'

const WORDS = new Map([
  [
    BAD_PORT,
    'the port is one that fetch() never goes to, as 6000 or 6666: have the provider listen at another',
  ],
  ['ECONNRESET', ENDED],
  ['UND_ERR_SOCKET', ENDED],
  ['HPE_INVALID_CONSTANT', NO_HTTP],
  [TOO_LARGE, 'its answer is longer than any of a provider: is the address right?'],
  ['ECONNREFUSED', NO_LISTENER],
  ['ENOTFOUND', NO_HOST],
  ['EAI_AGAIN', NO_HOST],
  ['ETIMEDOUT', NO_WAY],
  ['EHOSTUNREACH', NO_WAY],
  ['ENETUNREACH', NO_WAY],
  ['UND_ERR_CONNECT_TIMEOUT', NO_WAY],
  ['ERR_SSL_WRONG_VERSION_NUMBER', NO_TLS],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', NO_TLS],
  ['EPROTO', NO_TLS],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', NOT_TRUSTED],
  ['UNABLE_TO_GET_ISSUER_CERT', NOT_TRUSTED],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', NOT_TRUSTED],
  ['SELF_SIGNED_CERT_IN_CHAIN', NOT_TRUSTED],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', NOT_TRUSTED],
  ['CERT_HAS_EXPIRED', EXPIRED],
  ['CERT_NOT_YET_VALID', EXPIRED],
  ['ERR_TLS_CERT_ALTNAME_INVALID', OF_ANOTHER],
])

/** The code, and where it is known what it means. */
export function networkWords(code: string): string {
  const words = WORDS.get(code)
  return words === undefined ? `(${code})` : `(${code}): ${words}`
}
