// Certificates for tests of mutual TLS, made anew by the openssl command, all in PEM.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Certificate {
  cert: string
  key: string
}

export interface Certificates {
  ca: string
  /** of 127.0.0.1 */
  server: Certificate
  /** issued by the CA, for the subject `CN=the client` */
  client: Certificate
  /** the client's next one: of the same subject, with another key */
  renewed: Certificate
  /** issued by the CA too, for the subject `CN=somebody else` */
  stranger: Certificate
  /** issued by nobody */
  selfSigned: Certificate
}

export async function createCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'certificates-'))
  async function create(name: string, subject: string, ...more: string[]): Promise<Certificate> {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`]
    await openssl(folder, ['req', '-x509', ...curve, ...files, '-days', '2', '-subj', subject, ...more])
    const read = (end: string) => readFile(join(folder, `${name}.${end}`), 'utf8')
    return { cert: await read('pem'), key: await read('key') }
  }
  try {
    const ca = await create('ca', '/CN=the CA of a test')
    const issued = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-addext', 'basicConstraints=critical,CA:FALSE']
    return {
      ca: ca.cert,
      server: await create('server', '/CN=127.0.0.1', ...issued, '-addext', 'subjectAltName=IP:127.0.0.1'),
      client: await create('client', '/CN=the client', ...issued),
      renewed: await create('renewed', '/CN=the client', ...issued),
      stranger: await create('stranger', '/CN=somebody else', ...issued),
      selfSigned: await create('self-signed', '/CN=nobody vouches'),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function openssl(cwd: string, args: string[]): Promise<void> {
  try {
    await promisify(execFile)('openssl', args, { cwd })
  } catch (error) {
    throw new Error('the tests of mutual TLS need the openssl command, version 3 or later', { cause: error })
  }
}
