import { useState, type ReactNode } from "react";
import styles from "./Button.module.css";

interface Props {
  label: string;
  children?: ReactNode;
}

/** A button that counts its clicks. */
export function Button({ label, children }: Props) {
  const [count, setCount] = useState(0);
  return (
    <Wrapper className={styles.button} onClick={() => setCount(count + 1)}>
      {label} {count}
      <Icon name="plus" />
      {children}
    </Wrapper>
  );
}

export const Toolbar = ({ label }: Props) => {
  return <Button label={label} />;
};
