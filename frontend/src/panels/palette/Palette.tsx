/**
 * The command palette: type a few letters of anything that the page can do, a vector, a name, an
 * example. A text box with a list of options (the ARIA combobox pattern): the focus stays in the box.
 */

import * as Dialog from "@radix-ui/react-dialog";
import { Search } from "lucide-react";
import { type KeyboardEvent, useId, useLayoutEffect, useRef, useState } from "react";
import { HoldsKeyboard } from "@/components/HoldsKeyboard";
import { useReturnedFocus } from "@/lib/focus";
import { formatKeys, matchesKeys } from "@/lib/keys";
import { outOfShape, parseValue } from "@/lib/values";
import { type Command, providedCommands } from "@/state/commands";
import { useReadyModel } from "@/state/model";
import { useShortcutTable } from "@/state/shortcuts";
import styles from "./Palette.module.css";
import { type Ranked, rank } from "./rank";
import { useOwnCommands } from "./useOwnCommands";

const PAGE = 8;
/** They close it too. */
const OPENING_KEYS = "mod+k";

interface Props {
  /** What was typed before the palette was there. */
  first(): string;
  onClose(): void;
}

export default function Palette({ first, onClose }: Props) {
  const box = useRef<HTMLInputElement>(null);
  const chosen = useRef<Command | null>(null);
  const { remember, onCloseAutoFocus } = useReturnedFocus(() => chosen.current?.run());
  const choose = (command: Command | undefined) => {
    if (!command) return;
    chosen.current = command;
    onClose();
  };
  const focusBox = (event: Event) => {
    remember();
    // By itself it would select what is typed, and the next letter would replace it.
    event.preventDefault();
    box.current?.focus();
    box.current?.setSelectionRange(box.current.value.length, box.current.value.length);
  };
  return (
    <Dialog.Root open onOpenChange={onClose}>
      <Dialog.Portal>
        <Dialog.Overlay className={styles.shade} />
        <Dialog.Content
          className={styles.dialog}
          aria-describedby={undefined}
          onOpenAutoFocus={focusBox}
          onCloseAutoFocus={onCloseAutoFocus}
        >
          <HoldsKeyboard />
          <Dialog.Title className="visually-hidden">Command palette</Dialog.Title>
          <Commands {...{ first, box, choose, onClose }} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

interface CommandsProps extends Props {
  box: React.Ref<HTMLInputElement>;
  choose(command: Command | undefined): void;
}

function Commands({ first, box, choose, onClose }: CommandsProps) {
  const [typed, setTyped] = useState(first);
  const [at, setAt] = useState(0);
  const [provided] = useState(() => providedCommands());
  const groups = rank([...provided, ...useOwnCommands(typed)], typed);
  const all = groups.flatMap((group) => group.commands);
  const list = useId();
  const optionId = (index: number) => `${list}-${index}`;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const next = stepFrom(at, event.key, all.length);
    if (event.key === "Enter") choose(all[at]);
    else if (matchesKeys(event.nativeEvent, OPENING_KEYS)) onClose();
    else if (next !== null) setAt(next);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <div className={styles.ask}>
        <Search aria-hidden />
        <input
          ref={box}
          role="combobox"
          aria-label="Command, value vector, name, example or prompt"
          aria-expanded={all.length > 0}
          aria-controls={list}
          aria-autocomplete="list"
          aria-activedescendant={all.length > 0 ? optionId(at) : undefined}
          placeholder="A command, L12D34, a name, an example…"
          value={typed}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          dir="auto"
          onChange={(event) => {
            setTyped(event.target.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
        />
        <kbd>Esc</kbd>
      </div>
      <Options {...{ groups, at, list, optionId, choose }} onPoint={setAt} />
      <Found typed={typed} groups={groups} />
    </>
  );
}

/** null: this key does not walk. The ends lead to each other. */
function stepFrom(at: number, key: string, count: number): number | null {
  if (count === 0) return null;
  switch (key) {
    case "ArrowDown":
      return (at + 1) % count;
    case "ArrowUp":
      return (at + count - 1) % count;
    case "PageDown":
      return Math.min(at + PAGE, count - 1);
    case "PageUp":
      return Math.max(at - PAGE, 0);
    default:
      return null;
  }
}

interface OptionsProps {
  groups: readonly Ranked[];
  at: number;
  list: string;
  optionId(index: number): string;
  choose(command: Command): void;
  onPoint(index: number): void;
}

function Options({ groups, at, list, optionId, choose, onPoint }: OptionsProps) {
  const box = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: also when other options take the place
  useLayoutEffect(() => {
    box.current?.querySelector("[aria-selected='true']")?.scrollIntoView({ block: "nearest" });
  }, [at, groups]);
  let index = 0;
  return (
    <div id={list} role="listbox" aria-label="Commands" className={styles.list} ref={box}>
      {groups.map(({ group, commands }) => (
        // biome-ignore lint/a11y/useSemanticElements: the groups of a listbox
        <div key={group} role="group" aria-labelledby={`${list}-${group}`}>
          <p id={`${list}-${group}`} className={styles.group}>
            {group}
          </p>
          {commands.map((command) => {
            const own = index++;
            return (
              // biome-ignore lint/a11y/useFocusableInteractive lint/a11y/useKeyWithClickEvents: the box has the focus and the keys
              <div
                key={command.id}
                id={optionId(own)}
                role="option"
                aria-selected={own === at}
                className={styles.option}
                onMouseMove={() => own !== at && onPoint(own)}
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => choose(command)}
              >
                <span className={styles.title}>
                  <bdi>{command.title}</bdi>
                  {command.note && <small>{command.note}</small>}
                </span>
                <Keys id={command.id} />
              </div>
            );
          })}
        </div>
      ))}
    </div>
  );
}

function Keys({ id }: { id: string }) {
  const keys = useShortcutTable().find((entry) => entry.id === id)?.keys[0];
  return keys && <kbd>{formatKeys(keys)}</kbd>;
}

/** What there is to choose from, for ears; for eyes only where there is nothing, or no such vector. */
function Found({ typed, groups }: { typed: string; groups: readonly Ranked[] }) {
  const model = useReadyModel();
  const ref = parseValue(typed);
  const problem = ref && model ? outOfShape(ref, model) : null;
  const called = groups.filter(({ group }) => group !== "Search");
  const count = groups.reduce((sum, { commands }) => sum + commands.length, 0);
  const words = problem ?? (called.length === 0 ? "Nothing is called that." : null);
  return (
    <p role="status" className={words ? styles.nothing : "visually-hidden"}>
      {words ?? `${count} to choose from`}
    </p>
  );
}
