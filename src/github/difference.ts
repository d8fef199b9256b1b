/**
 * What has to be written so that GitHub shows what it should.
 *
 * What must hold: (pure) nothing when all is as wanted; what was deleted by hand is made again; two
 * status comments become one; what is not ours is not touched, but for labels of other states.
 */
import type { Present, ShownThread } from "./present.ts";
import type { ShownCheck } from "./surface.ts";
import {
  carrierKey,
  STATE_LABEL,
  type Carrier,
  type Check,
  type Face,
  type Label,
  type Thread,
  type Wanted,
} from "./wanted.ts";

export type Write =
  | { readonly kind: "create-label"; readonly label: Label }
  | { readonly kind: "add-label" | "remove-label"; readonly number: number; readonly name: string }
  | { readonly kind: "create-comment"; readonly number: number; readonly body: string }
  | { readonly kind: "edit-comment"; readonly number: number; readonly id: number; readonly body: string }
  | { readonly kind: "delete-comment"; readonly number: number; readonly id: number }
  | { readonly kind: "create-check"; readonly check: Check }
  | { readonly kind: "update-check"; readonly id: number; readonly check: Check }
  | { readonly kind: "react"; readonly carrier: Carrier; readonly face: Face };

/** In the order in which it is to be written. */
export function difference(present: Present, wanted: Wanted): Write[] {
  return [
    ...wanted.reactions.flatMap(({ carrier, faces }) => {
      const shown = present.reactions.get(carrierKey(carrier));
      return faces.flatMap((face): Write[] =>
        !shown || shown.includes(face) ? [] : [{ kind: "react", carrier, face }],
      );
    }),
    ...newLabels(present, wanted),
    ...wanted.threads.flatMap((thread) => {
      const shown = present.threads.get(thread.number);
      return shown ? [...labelWrites(thread, shown), ...commentWrites(thread, shown)] : [];
    }),
    ...wanted.checks.flatMap((check) => checkWrites(check, present.checks.get(check.commit))),
  ];
}

/** GitHub takes labels that differ in case alone for one. */
const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** The colour of a label that is there is left to people. */
function newLabels({ labels, threads }: Present, wanted: Wanted): Write[] {
  const missing = new Map<string, Label>();
  for (const { number, label } of wanted.threads) {
    if (threads.has(number) && !labels.some((name) => same(name, label.name))) missing.set(label.name, label);
  }
  return [...missing.values()].map((label) => ({ kind: "create-label", label }));
}

/** The right one is put on before a wrong one is taken off: an issue is never without. */
function labelWrites({ number, label: { name } }: Thread, { labels }: ShownThread): Write[] {
  const wrong = labels.filter((one) => one.startsWith(STATE_LABEL) && !same(one, name));
  return [
    ...(labels.some((one) => same(one, name)) ? [] : [{ kind: "add-label", number, name } as const]),
    ...wrong.map((one) => ({ kind: "remove-label", number, name: one }) as const),
  ];
}

/** The oldest stays: others may have linked to it. */
function commentWrites({ number, body }: Thread, { comments }: ShownThread): Write[] {
  const [first, ...doubles] = comments;
  if (!first) return [{ kind: "create-comment", number, body }];
  return [
    ...(sameText(first.body, body) ? [] : [{ kind: "edit-comment", number, id: first.id, body } as const]),
    ...doubles.map(({ id }) => ({ kind: "delete-comment", number, id }) as const),
  ];
}

/** GitHub may give line ends back as it likes. */
const plain = (text: string): string => text.replaceAll("\r\n", "\n").trim();
const sameText = (one: string, other: string): boolean => plain(one) === plain(other);

function checkWrites(check: Check, shown: readonly ShownCheck[] | undefined): Write[] {
  const found = shown?.filter(({ name }) => name === check.name).toSorted((a, b) => b.id - a.id)[0];
  if (!shown || (check.isPast && !found)) return [];
  if (!found) return [{ kind: "create-check", check }];
  const isRight =
    found.status === check.status &&
    found.conclusion === check.conclusion &&
    found.externalId === check.externalId &&
    sameText(found.title, check.title) &&
    sameText(found.summary, check.summary);
  return isRight ? [] : [{ kind: "update-check", id: found.id, check }];
}
