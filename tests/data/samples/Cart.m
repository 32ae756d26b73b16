#import <Foundation/Foundation.h>
#import "Item.h"

@protocol Source
- (Item *)find:(int)identifier;
@end

@interface Cart : NSObject <Source>
@property (nonatomic, strong) NSMutableArray *items;
- (void)add:(Item *)item;
@end

@implementation Cart

// Adds an item.
- (void)add:(Item *)item {
    [self.items addObject:item];
}

+ (Cart *)empty {
    return [[Cart alloc] init];
}

@end

int twice(int x) {
    return x * 2;
}
