/** Buttons of the page: with words, or an icon whose name shows as a tooltip. */

import * as Tooltip from "@radix-ui/react-tooltip";
import type { ComponentProps, ReactNode } from "react";
import { formatKeys } from "@/lib/keys";
import styles from "./Button.module.css";

interface ButtonProps extends ComponentProps<"button"> {
  look?: "plain" | "primary" | "quiet";
}

export function Button({ look = "plain", className, ...rest }: ButtonProps) {
  const name = [styles.button, styles[look], className].filter(Boolean).join(" ");
  return <button type="button" {...rest} className={name} />;
}

interface IconButtonProps extends Omit<ComponentProps<"button">, "aria-label" | "title"> {
  label: string;
  /** The shortcut that does the same, e.g. `mod+z`. */
  keys?: string | undefined;
  /** Without one where buttons stand close, or a menu gives the focus back: it would cover them. */
  tip?: boolean;
  children: ReactNode;
}

export function IconButton(props: IconButtonProps) {
  const { label, keys, tip = true, className, children, ...rest } = props;
  const button = (
    <button
      type="button"
      {...rest}
      aria-label={label}
      title={tip ? undefined : label}
      className={[styles.icon, className].filter(Boolean).join(" ")}
    >
      {children}
    </button>
  );
  return tip ? (
    <Tip label={label} keys={keys}>
      {button}
    </Tip>
  ) : (
    button
  );
}

interface TipProps {
  label: string;
  keys?: string | undefined;
  children: ReactNode;
}

export function Tip({ label, keys, children }: TipProps) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content className={styles.tip} sideOffset={4} collisionPadding={8}>
          {label}
          {keys && <kbd>{formatKeys(keys)}</kbd>}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
