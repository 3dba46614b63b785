/** Letters are written in one's own account, also while the mail of another one is looked at. */

import type { Id, Jmap, Mailbox } from "../jmap";
import { byRole, jmap } from "../store";

let folders: Map<string, Id> | null = null;

export const isAway = (): boolean => jmap().account !== jmap().home;

export function post(): Jmap {
  return isAway() ? jmap().at(jmap().home) : jmap();
}

/** While somebody looks elsewhere the own folders have to be asked for. */
export async function ready(): Promise<void> {
  if (!isAway() || folders !== null) return;
  const found = await post().call([["Mailbox/get", { ids: null, properties: ["id", "role"] }, "m"]]);
  folders = new Map((found["m"].list as Mailbox[]).flatMap((one) => (one.role ? [[one.role, one.id]] : [])));
}

export function folder(role: string): Id | undefined {
  return isAway() ? folders?.get(role) : byRole(role)?.id;
}
