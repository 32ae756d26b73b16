module solver
  implicit none
  integer, parameter :: limit = 10
  type :: point
    real :: x, y
  end type point
contains
  ! Adds two numbers.
  function add(a, b) result(c)
    real, intent(in) :: a, b
    real :: c
    c = a + b
  end function add

  subroutine report(x)
    real, intent(in) :: x
    print *, x
  end subroutine report
end module solver
