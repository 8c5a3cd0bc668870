// What a person does at the bank and at its provider, in a real browser: by what they read, not by how it is made.
import type { Page } from 'playwright-core'

export const balance = (page: Page, euros: string) => says(page, '#balance', euros)

/** Resolves when that part of the page shows this text. */
export async function says(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector, { hasText: text }).first().waitFor()
}

export async function logIn(page: Page, name: string): Promise<void> {
  await press(page, 'Log in')
  await page.getByLabel('Your name').fill(name)
  await press(page, 'Log in')
  await says(page, 'h1', `Hello, ${name}`)
}

export async function press(page: Page, button: string): Promise<void> {
  await page.getByRole('button', { name: button, exact: true }).click()
}

export async function fillInTransfer(page: Page, to: string, euros: string): Promise<void> {
  await page.getByLabel('To', { exact: true }).fill(to)
  await page.getByLabel('Euros').fill(euros)
}

/** At the provider, and back again. */
export async function block(page: Page, name: string): Promise<void> {
  await page.getByRole('link', { name: 'Your account at the provider' }).click()
  await press(page, 'Block this account')
  await says(page, 'h1', `${name} is blocked`)
  await page.getByRole('link', { name: 'Back to Small Bank' }).click()
  await says(page, 'h1', `Hello, ${name}`)
}
