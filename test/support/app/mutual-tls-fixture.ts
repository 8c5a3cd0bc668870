// A provider that asks for certificates (RFC 8705), and apps that are stopped after each test.
import { X509Certificate } from 'node:crypto'
import { type Certificate, createCertificates } from '../provider/certificates.ts'
import { startProvider } from '../provider/provider.ts'
import { thumbprint } from '../provider/seen-requests.ts'
import { useParts } from '../servers.ts'
import type { TestApp } from './app.ts'

export function useMutualTLSFixture() {
  const { certificates, provider } = useParts(async (start) => {
    const certificates = await createCertificates()
    const tls = { ...certificates.server, ca: certificates.ca }
    return { certificates, provider: await start(startProvider({ tls })) }
  })
  const apps: TestApp[] = []
  afterEach(async () => {
    provider.normal()
    await Promise.all(apps.splice(0).map((app) => app.stop()))
  })
  return { certificates, provider, apps }
}

/** In base64, as the provider is told of it. */
export const rawOf = ({ cert }: Certificate) => new X509Certificate(cert).raw.toString('base64')
/** By which the provider knows it. */
export const nameOf = (certificate: Certificate) => thumbprint(rawOf(certificate))
