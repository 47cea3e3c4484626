import type { Page } from '@playwright/test'
import { expect } from 'holdfast/playwright'

/** What a person does in the demo, in their words. */
export function notesPage(page: Page) {
  const notes = page.getByTestId('note')
  return {
    notes,
    status: page.getByTestId('status'),
    /** Types a note and adds it; resolves when the page shows it. */
    async write(text: string): Promise<void> {
      await page.getByTestId('note-input').fill(text)
      await page.getByTestId('add-note').click()
      await expect(notes.filter({ hasText: text })).toBeVisible()
    },
    note: (text: string) => notes.filter({ hasText: text }),
  }
}
