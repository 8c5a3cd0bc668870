// The log of tenants: what one of them makes it say leaves room for the others.
import { createTenantLog } from '../../src/lib/tenant-log.ts'
import { eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'

const REFUSED = 'express-bff-session: refused'
const of = (tenant?: string) => ({ fields: { event: 'refused', ...(tenant && { tenant }) } })

test('a line says whose it is, in its words and in a field; one of the process does not', () => {
  const { told, logger } = createLog()
  const log = createTenantLog(logger)
  log.say(REFUSED, `${REFUSED}: no`, of('a.example.com'))
  log.say(REFUSED, `${REFUSED} (tenant a.example.com): no`, of('a.example.com'))
  log.of('b.example.com').error('express-bff-session: no refresh token', { event: 'setup' })
  log.say(REFUSED, `${REFUSED}: no`, of())
  expect(told).toEqual([
    {
      level: 'warn',
      line: 'express-bff-session (tenant a.example.com): refused: no',
      fields: { event: 'refused', tenant: 'a.example.com' },
    },
    {
      level: 'warn',
      line: 'express-bff-session: refused (tenant a.example.com): no',
      fields: { event: 'refused', tenant: 'a.example.com' },
    },
    {
      level: 'error',
      line: 'express-bff-session (tenant b.example.com): no refresh token',
      fields: { event: 'setup', tenant: 'b.example.com' },
    },
    { level: 'warn', line: 'express-bff-session: refused: no', fields: { event: 'refused' } },
  ])
  log.close()
})

test('a tenant whose lines are very many has ten of a kind, and the others all of theirs', () => {
  const { lines, logger } = createLog()
  const log = createTenantLog(logger)
  for (let at = 0; at < 1000; at += 1) {
    log.say(REFUSED, `${REFUSED}: ${at}`, of('hostile'))
    log.say(`kind ${at}`, `${REFUSED}: of another kind`, of('hostile'))
  }
  expect(lines.length).toBeLessThanOrEqual(60)
  lines.length = 0
  for (const tenant of ['a', 'b']) log.say(REFUSED, `${REFUSED}: no`, of(tenant))
  log.say(REFUSED, `${REFUSED}: no`, of())
  expect(lines).toEqual([
    'express-bff-session (tenant a): refused: no',
    'express-bff-session (tenant b): refused: no',
    'express-bff-session: refused: no',
  ])
  lines.length = 0
  log.close()
  expect(lines).toContain('express-bff-session (tenant hostile): refused: 990 more within a minute')
})

test('all tenants together say three hundred lines a minute; what is held back is counted; the process goes on', async () => {
  const { lines, logger } = createLog()
  const log = createTenantLog(logger, 100)
  for (let at = 0; at < 5000; at += 1) {
    log.say(REFUSED, `${REFUSED}: no`, of(`tenant-${at}`))
    log.of(`tenant-${at}`).warn('express-bff-session: once', {})
  }
  expect(lines).toHaveLength(300)
  log.say(REFUSED, `${REFUSED}: no`, of())
  expect(lines).toHaveLength(301)
  await eventually('the end of the minute', () => lines.length > 301)
  expect(lines.slice(301)).toContain('express-bff-session: lines of tenants: 9700 more within a minute')
  lines.length = 0
  log.say(REFUSED, `${REFUSED}: no`, of('late'))
  expect(lines).toEqual(['express-bff-session (tenant late): refused: no'])
  log.close()
})
