/** Deletes a database with all that is in it. Waits for other contexts that have it open. */
export function deleteDatabase(name: string, factory: IDBFactory): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = factory.deleteDatabase(name)
    request.onblocked = () => {
      console.warn(`holdfast: deleting the database "${name}" waits for another tab.`)
    }
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error)
  })
}
