/** Where an intervention takes effect: all positions, the last, chosen tokens; and generated ones. */

import * as Menu from "@radix-ui/react-dropdown-menu";
import { Check } from "lucide-react";
import { type KeyboardEvent, memo } from "react";
import menu from "@/components/Menu.module.css";
import { MenuContent } from "@/components/MenuContent";
import { TokenText } from "@/components/Token";
import { valueKey } from "@/lib/values";
import {
  chooseGenerated,
  editsGenerated,
  type Intervention,
  type Positions,
  togglePosition,
} from "@/state/interventions";
import { useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import styles from "./PositionsMenu.module.css";

/** On the button, in little room. */
function shortOf({ positions, generated }: Intervention): string {
  const gen = generated === null ? "" : ` ${generated ? "+" : "−"}gen`;
  if (!Array.isArray(positions)) return positions + gen;
  return positions.length + (gen || " pos");
}

function longOf(item: Intervention): string {
  const { positions } = item;
  const where = Array.isArray(positions)
    ? `at positions ${positions.join(", ")}`
    : positions === "all"
      ? "at all positions"
      : "at the last position";
  return `Edited ${where} of the prompt, ${editsGenerated(item) ? "and" : "not"} in generated tokens`;
}

export const PositionsMenu = memo(function PositionsMenu({ item }: { item: Intervention }) {
  const { positions } = item;
  const change = (patch: Partial<Pick<Intervention, "positions" | "generated">>) =>
    useSession.getState().change({ type: "update", ref: item, patch });
  const generated = editsGenerated(item);
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger
        className={styles.trigger}
        aria-label={`${valueKey(item)}: ${longOf(item)}`}
        title={longOf(item)}
      >
        {shortOf(item)}
      </Menu.Trigger>
      <MenuContent className={styles.content} align="start" side="top">
        <Menu.RadioGroup
          value={Array.isArray(positions) ? "" : positions}
          onValueChange={(value) => change({ positions: value as Positions })}
        >
          <Way value="all" name="All positions" />
          <Way value="last" name="Last position of the prompt" />
        </Menu.RadioGroup>
        <Tokens positions={positions} onChange={(next) => change({ positions: next })} />
        <Menu.Separator className={styles.rule} />
        <Menu.CheckboxItem
          className={menu.item}
          checked={generated}
          onSelect={(event) => event.preventDefault()}
          onCheckedChange={(wanted) => change({ generated: chooseGenerated(positions, wanted) })}
        >
          <span className={menu.main}>
            Generated tokens too
            <small>
              {item.generated === null ? "the default here" : "chosen"}; without a choice, only
              where all positions are edited
            </small>
          </span>
          <Sign />
        </Menu.CheckboxItem>
      </MenuContent>
    </Menu.Root>
  );
});

function Way({ value, name }: { value: string; name: string }) {
  return (
    <Menu.RadioItem
      value={value}
      className={menu.item}
      onSelect={(event) => event.preventDefault()}
    >
      <span className={menu.main}>{name}</span>
      <Sign />
    </Menu.RadioItem>
  );
}

/** Keeps its room, so that the width does not change with the choice. */
function Sign() {
  return (
    <span className={styles.sign}>
      <Menu.ItemIndicator>
        <Check aria-hidden />
      </Menu.ItemIndicator>
    </span>
  );
}

/** The menu's own keys go up and down; tokens are side by side. */
function walk(event: KeyboardEvent<HTMLElement>) {
  const here = document.activeElement;
  const next =
    event.key === "ArrowRight"
      ? here?.nextElementSibling
      : event.key === "ArrowLeft"
        ? here?.previousElementSibling
        : null;
  if (next instanceof HTMLElement) next.focus();
}

interface TokensProps {
  positions: Positions;
  onChange(positions: Positions): void;
}

function Tokens({ positions, onChange }: TokensProps) {
  const { reply } = useTrace();
  const prompt = useSession((state) => state.prompt);
  if (!reply || reply.prompt !== prompt)
    return <Menu.Label className={menu.label}>Trace the prompt to choose its tokens.</Menu.Label>;
  const count = reply.tokens.length;
  const chosen = Array.isArray(positions)
    ? positions.map((each) => (each < 0 ? each + count : each))
    : [];
  const beyond = chosen.filter((each) => each < 0 || each >= count);
  return (
    <>
      <Menu.Label className={menu.label}>
        {beyond.length > 0
          ? `This prompt has no position ${beyond.join(", ")}: choose again.`
          : "or at chosen tokens"}
      </Menu.Label>
      <Menu.Group
        className={styles.tokens}
        aria-label="Chosen tokens of the prompt"
        onKeyDown={walk}
      >
        {reply.tokens.map((token, index) => (
          <Menu.CheckboxItem
            // biome-ignore lint/suspicious/noArrayIndexKey: the index is the position
            key={index}
            className={styles.token}
            checked={chosen.includes(index)}
            textValue={token.text}
            onSelect={(event) => event.preventDefault()}
            onCheckedChange={() =>
              onChange(
                togglePosition(
                  chosen.filter((each) => !beyond.includes(each)),
                  index,
                ),
              )
            }
          >
            <TokenText token={token} />
            <sub aria-hidden>{index}</sub>
          </Menu.CheckboxItem>
        ))}
      </Menu.Group>
    </>
  );
}
