#include <stdlib.h>
#include "list.h"

#define LIMIT 64
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* One element. */
struct node {
    int value;
    struct node *next;
};

typedef struct list {
    struct node *head;
    size_t length;
} list_t;

typedef int (*compare_fn)(const void *, const void *);

enum order { ASCENDING, DESCENDING };

union word {
    int number;
    char bytes[4];
};

static int counter = 0;
extern const char *names[];

int list_length(const list_t *list);

// Adds a value at the front.
list_t *list_push(list_t *list, int value)
{
    struct node *node = malloc(sizeof *node);
    node->value = value;
    node->next = list->head;
    list->head = node;
    return list;
}

static inline void reset(void) { counter = 0; }
