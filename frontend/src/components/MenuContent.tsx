/** What a menu of the page opens: where it stands, how it looks, and that it has the keyboard. */

import * as Menu from "@radix-ui/react-dropdown-menu";
import type { ComponentProps } from "react";
import { HoldsKeyboard } from "./HoldsKeyboard";
import styles from "./Menu.module.css";

export function MenuContent({ className, children, ...rest }: ComponentProps<typeof Menu.Content>) {
  return (
    <Menu.Portal>
      <Menu.Content
        sideOffset={4}
        collisionPadding={8}
        {...rest}
        className={className ? `${styles.content} ${className}` : styles.content}
      >
        <HoldsKeyboard />
        {children}
      </Menu.Content>
    </Menu.Portal>
  );
}
