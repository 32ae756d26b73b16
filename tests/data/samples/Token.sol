pragma solidity ^0.8.0;

import "./Base.sol";

interface IToken {
    function balance(address owner) external view returns (uint256);
}

// Money.
contract Token is Base {
    uint256 public total;
    mapping(address => uint256) private balances;
    event Sent(address to, uint256 amount);

    struct Account { address owner; }
    enum State { Open, Closed }

    constructor() {}

    modifier onlyOwner() { _; }

    function send(address to, uint256 amount) public onlyOwner {
        balances[to] += amount;
        emit Sent(to, amount);
    }
}
